package server

import (
	"bytes"
	"fmt"
	"os"
	"runtime/metrics"
	"strconv"
	"syscall"

	"github.com/redraftdb/redraft/fsm"
)

// memory is what INFO and MEMORY STATS tell of memory, in bytes.
type memory struct {
	use     fsm.MemoryUse
	used    int64 // counted: all of the following
	startup int64
	clients int64
	peak    int64

	allocated int64 // by objects in the Go heap, those that are garbage included
	active    int64 // by the heap's spans that objects lie in
	mapped    int64 // by the runtime, without what it has given back
	resident  int64 // by the process, as the system sees it
	total     int64 // what the machine has
}

// readMemory looks at what is used now.
func (s *Server) readMemory(machine fsm.Stats) memory {
	m := memory{use: machine.Memory, startup: s.startup, clients: s.clientMemory.Load()}
	m.used = m.startup + m.use.Used() + m.use.Pending + m.clients
	s.raisePeak(m.used)
	m.peak = s.stats.peakMemory.Load()
	names := []string{"/memory/classes/heap/objects:bytes", "/memory/classes/heap/unused:bytes",
		"/memory/classes/total:bytes", "/memory/classes/heap/released:bytes"}
	sample := make([]metrics.Sample, len(names))
	for i, name := range names {
		sample[i].Name = name
	}
	metrics.Read(sample)
	at := func(i int) int64 { return int64(sample[i].Value.Uint64()) }
	m.allocated, m.active, m.mapped = at(0), at(0)+at(1), at(2)-at(3)
	if b, err := os.ReadFile("/proc/self/statm"); err == nil {
		if f := bytes.Fields(b); len(f) > 1 {
			pages, _ := strconv.ParseInt(string(f[1]), 10, 64)
			m.resident = pages * int64(os.Getpagesize())
		}
	}
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) == nil {
		m.total = int64(info.Totalram) * int64(info.Unit)
	}
	return m
}

func (s *Server) raisePeak(used int64) { raise(&s.stats.peakMemory, used) }

// samplePeak keeps the highest use of memory seen.
func (s *Server) samplePeak() { s.raisePeak(s.usedMemory()) }

// overhead is what is used and is not data.
func (m *memory) overhead() int64 { return m.used - m.dataset() }

// dataset is the keys and values.
func (m *memory) dataset() int64 { return m.use.Data }

// datasetShare is the percentage that the data have of what has come in use since the start.
func (m *memory) datasetShare() float64 { return 100 * fraction(m.dataset(), m.used-m.startup) }

func memoryFields() []infoField {
	number := func(name string, of func(m *memory) int64) infoField {
		return infoField{name, func(v *view) string { return decimalOf(of(&v.memory)) }}
	}
	legible := func(name string, of func(m *memory) int64) infoField {
		return infoField{name, func(v *view) string { return human(of(&v.memory)) }}
	}
	percent := func(name string, of func(m *memory) float64) infoField {
		return infoField{name, func(v *view) string { return fmt.Sprintf("%.2f%%", of(&v.memory)) }}
	}
	ratio := func(name string, a, b func(m *memory) int64) infoField {
		return infoField{name, func(v *view) string { return fmt.Sprintf("%.2f", fraction(a(&v.memory), b(&v.memory))) }}
	}
	none := func(name string) infoField { return infoField{name, func(*view) string { return "0" }} }
	used := func(m *memory) int64 { return m.used }
	peak := func(m *memory) int64 { return m.peak }
	resident := func(m *memory) int64 { return m.resident }
	total := func(m *memory) int64 { return m.total }
	allocated := func(m *memory) int64 { return m.allocated }
	active := func(m *memory) int64 { return m.active }
	mapped := func(m *memory) int64 { return m.mapped }
	less := func(a, b func(m *memory) int64) func(m *memory) int64 {
		return func(m *memory) int64 { return a(m) - b(m) }
	}
	return []infoField{
		number("used_memory", used),
		legible("used_memory_human", used),
		number("used_memory_rss", resident),
		legible("used_memory_rss_human", resident),
		number("used_memory_peak", peak),
		legible("used_memory_peak_human", peak),
		percent("used_memory_peak_perc", func(m *memory) float64 { return 100 * fraction(m.used, m.peak) }),
		number("used_memory_overhead", (*memory).overhead),
		number("used_memory_startup", func(m *memory) int64 { return m.startup }),
		number("used_memory_dataset", (*memory).dataset),
		percent("used_memory_dataset_perc", (*memory).datasetShare),
		number("allocator_allocated", allocated),
		number("allocator_active", active),
		number("allocator_resident", mapped),
		number("total_system_memory", total),
		legible("total_system_memory_human", total),
		none("used_memory_lua"),
		none("used_memory_vm_eval"),
		legible("used_memory_lua_human", func(*memory) int64 { return 0 }),
		{"used_memory_scripts_eval", func(v *view) string { return decimalOf(v.machine.ScriptBytes) }},
		{"number_of_cached_scripts", func(v *view) string { return decimalOf(v.machine.Scripts) }},
		{"number_of_functions", func(v *view) string { return decimalOf(v.functions) }},
		{"number_of_libraries", func(v *view) string { return decimalOf(v.libraries) }},
		none("used_memory_vm_functions"),
		none("used_memory_vm_total"),
		legible("used_memory_vm_total_human", func(*memory) int64 { return 0 }),
		none("used_memory_functions"),
		{"used_memory_scripts", func(v *view) string { return decimalOf(v.machine.ScriptBytes) }},
		{"used_memory_scripts_human", func(v *view) string { return human(int64(v.machine.ScriptBytes)) }},
		{"maxmemory", func(v *view) string { return decimalOf(v.srv.machine.MaxMemory()) }},
		{"maxmemory_human", func(v *view) string { return human(v.srv.machine.MaxMemory()) }},
		{"maxmemory_policy", func(v *view) string { return v.srv.machine.Setting(fsm.ParamPolicy) }},
		ratio("allocator_frag_ratio", active, allocated),
		number("allocator_frag_bytes", less(active, allocated)),
		ratio("allocator_rss_ratio", mapped, active),
		number("allocator_rss_bytes", less(mapped, active)),
		ratio("rss_overhead_ratio", resident, mapped),
		number("rss_overhead_bytes", less(resident, mapped)),
		ratio("mem_fragmentation_ratio", resident, used),
		number("mem_fragmentation_bytes", less(resident, used)),
		number("mem_not_counted_for_evict", func(m *memory) int64 { return m.use.Pending }),
		none("mem_replication_backlog"),
		none("mem_total_replication_buffers"),
		none("mem_clients_slaves"),
		number("mem_clients_normal", func(m *memory) int64 { return m.clients }),
		none("mem_cluster_links"),
		none("mem_aof_buffer"),
		{"mem_allocator", func(*view) string { return "go" }},
		none("active_defrag_running"),
		{"lazyfree_pending_objects", func(v *view) string { return decimalOf(v.machine.LazyPending) }},
		{"lazyfreed_objects", func(v *view) string { return decimalOf(v.since.LazyFreed) }},
	}
}
