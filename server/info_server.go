package server

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

func serverFields() []infoField {
	return []infoField{
		{"redis_version", func(*view) string { return RedisVersion }},
		{"redraft_version", func(v *view) string { return v.srv.version }},
		{"redis_git_sha1", func(*view) string { return "00000000" }},
		{"redis_git_dirty", func(*view) string { return "0" }},
		{"redis_build_id", func(*view) string { return "0" }},
		{"redis_mode", func(*view) string { return "standalone" }},
		{"os", func(*view) string { return kernel() }},
		{"arch_bits", func(*view) string { return strconv.Itoa(strconv.IntSize) }},
		{"monotonic_clock", func(*view) string { return "POSIX clock_gettime" }},
		{"multiplexing_api", func(*view) string { return "go" }},
		{"atomicvar_api", func(*view) string { return "sync/atomic" }},
		{"go_version", func(*view) string { return runtime.Version() }},
		{"process_id", func(*view) string { return decimalOf(os.Getpid()) }},
		{"process_supervised", func(*view) string { return "no" }},
		{"run_id", func(v *view) string { return v.srv.runID }},
		{"tcp_port", func(v *view) string { return decimalOf(v.srv.port()) }},
		{"server_time_usec", func(v *view) string { return decimalOf(v.now.UnixMicro()) }},
		{"uptime_in_seconds", func(v *view) string { return decimalOf(int64(v.now.Sub(v.srv.stats.started).Seconds())) }},
		{"uptime_in_days", func(v *view) string { return decimalOf(int64(v.now.Sub(v.srv.stats.started).Hours() / 24)) }},
		{"hz", func(*view) string { return "10" }},
		{"configured_hz", func(*view) string { return "10" }},
		{"lru_clock", func(v *view) string { return decimalOf(v.now.Unix() & (1<<24 - 1)) }},
		{"executable", func(*view) string { path, _ := os.Executable(); return path }},
		{"config_file", func(v *view) string { return v.srv.configFile }},
		{"io_threads_active", func(*view) string { return "0" }},
	}
}

// kernel is the system's name, release and architecture.
func kernel() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return "Linux " + strings.TrimSpace(string(release)) + " " + runtime.GOARCH
}

func clientFields() []infoField {
	return []infoField{
		{"connected_clients", func(v *view) string { return decimalOf(v.srv.sessions.count()) }},
		{"cluster_connections", func(*view) string { return "0" }},
		{"maxclients", func(v *view) string { return v.srv.config.Get("maxclients") }},
		{"client_recent_max_input_buffer", func(v *view) string { return decimalOf(v.buffers.in) }},
		{"client_recent_max_output_buffer", func(v *view) string { return decimalOf(v.buffers.out) }},
		{"blocked_clients", func(v *view) string { return decimalOf(v.srv.blocked.Load()) }},
		{"tracking_clients", func(v *view) string { return decimalOf(v.tracking.clients) }},
		{"clients_in_timeout_table", func(v *view) string { return decimalOf(v.srv.deadlines()) }},
	}
}

func cpuFields() []infoField {
	return []infoField{
		{"used_cpu_sys", func(v *view) string { return seconds(v.usage.Stime) }},
		{"used_cpu_user", func(v *view) string { return seconds(v.usage.Utime) }},
		{"used_cpu_sys_children", func(*view) string { return "0.000000" }},
		{"used_cpu_user_children", func(*view) string { return "0.000000" }},
	}
}
