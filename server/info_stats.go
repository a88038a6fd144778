package server

// What Redis shows and is left out here has no true value: a process that is forked for a snapshot, and what it
// shares (current_save_keys, copies); the traffic between nodes, which nobody counts; samples of the keys that are
// due (expired_stale_perc): an index finds all of them.

func persistenceFields() []infoField {
	status := func(v *view) *Status { return &v.replication.status }
	took := func(v *view) string {
		if d := status(v).SnapshotTook; v.attached && d >= 0 {
			return decimalOf(int64(d.Seconds()))
		}
		return "-1"
	}
	takes := func(v *view) string {
		if began := status(v).SnapshotBegan; !began.IsZero() {
			return decimalOf(int64(v.now.Sub(began).Seconds()))
		}
		return "-1"
	}
	failed := func(v *view) string { return okErr(status(v).SnapshotFailed) }
	running := func(v *view) string { return yesNo(!status(v).SnapshotBegan.IsZero()) }
	return []infoField{
		{"loading", func(v *view) string { return yesNo(!v.attached) }},
		{"async_loading", func(*view) string { return "0" }},
		{"current_cow_peak", func(*view) string { return "0" }},
		{"current_cow_size", func(*view) string { return "0" }},
		{"current_cow_size_age", func(*view) string { return "0" }},
		{"current_fork_perc", func(*view) string { return "0.00" }},
		{"rdb_changes_since_last_save", func(v *view) string { return decimalOf(v.machine.Changes) }},
		{"rdb_bgsave_in_progress", running},
		{"rdb_last_save_time", func(v *view) string { return decimalOf(v.srv.lastSave().Unix()) }},
		{"rdb_last_bgsave_status", failed},
		{"rdb_last_bgsave_time_sec", took},
		{"rdb_current_bgsave_time_sec", takes},
		{"rdb_saves", func(v *view) string { return decimalOf(status(v).Snapshots) }},
		{"rdb_last_cow_size", func(*view) string { return "0" }},
		{"rdb_last_load_keys_expired", func(*view) string { return "0" }},
		{"rdb_last_load_keys_loaded", func(v *view) string { return decimalOf(v.machine.Loaded) }},
		{"aof_enabled", func(*view) string { return "1" }},
		{"aof_rewrite_in_progress", running},
		{"aof_rewrite_scheduled", func(*view) string { return "0" }},
		{"aof_last_rewrite_time_sec", took},
		{"aof_current_rewrite_time_sec", takes},
		{"aof_last_bgrewrite_status", failed},
		{"aof_rewrites", func(v *view) string { return decimalOf(status(v).Snapshots) }},
		{"aof_last_write_status", func(*view) string { return "ok" }},
		{"aof_last_cow_size", func(*view) string { return "0" }},
		{"module_fork_in_progress", func(*view) string { return "0" }},
		{"module_fork_last_cow_size", func(*view) string { return "0" }},
		{"aof_current_size", func(v *view) string { return decimalOf(v.logBytes) }},
		{"aof_base_size", func(v *view) string { return decimalOf(status(v).SnapshotBytes) }},
		{"aof_pending_rewrite", func(*view) string { return "0" }},
		{"aof_buffer_length", func(*view) string { return "0" }},
		{"aof_pending_bio_fsync", func(*view) string { return "0" }},
		{"aof_delayed_fsync", func(*view) string { return "0" }},
	}
}

func statsFields() []infoField {
	return []infoField{
		{"total_connections_received", func(v *view) string { return decimalOf(v.srv.stats.connections.Load()) }},
		{"total_commands_processed", func(v *view) string { return decimalOf(v.srv.stats.commands.Load()) }},
		{"instantaneous_ops_per_sec", func(v *view) string { return decimalOf(int64(v.rates[0])) }},
		{"total_net_input_bytes", func(v *view) string { return decimalOf(v.srv.stats.netIn.Load()) }},
		{"total_net_output_bytes", func(v *view) string { return decimalOf(v.srv.stats.netOut.Load()) }},
		{"instantaneous_input_kbps", func(v *view) string { return kilobytes(v.rates[1]) }},
		{"instantaneous_output_kbps", func(v *view) string { return kilobytes(v.rates[2]) }},
		{"rejected_connections", func(v *view) string { return decimalOf(v.srv.stats.rejected.Load()) }},
		{"sync_full", func(*view) string { return "0" }},
		{"sync_partial_ok", func(*view) string { return "0" }},
		{"sync_partial_err", func(*view) string { return "0" }},
		{"expired_keys", func(v *view) string { return decimalOf(v.since.Expired) }},
		{"expired_time_cap_reached_count", func(v *view) string { return decimalOf(v.since.ExpireCapped) }},
		{"expire_cycle_cpu_milliseconds", func(v *view) string { return decimalOf(v.since.ExpireNanos / 1e6) }},
		{"evicted_keys", func(v *view) string { return decimalOf(v.since.Evicted) }},
		{"evicted_clients", func(v *view) string { return decimalOf(v.srv.stats.evicted.Load()) }},
		{"total_eviction_exceeded_time", func(v *view) string { return decimalOf(v.exceededTotal.Milliseconds()) }},
		{"current_eviction_exceeded_time", func(v *view) string { return decimalOf(v.exceededNow.Milliseconds()) }},
		{"keyspace_hits", func(v *view) string { return decimalOf(v.since.Hits) }},
		{"keyspace_misses", func(v *view) string { return decimalOf(v.since.Misses) }},
		{"pubsub_channels", func(v *view) string { return decimalOf(v.srv.hub.count(channelTopic)) }},
		{"pubsub_patterns", func(v *view) string { return decimalOf(v.srv.hub.count(patternTopic)) }},
		{"pubsubshard_channels", func(v *view) string { return decimalOf(v.srv.hub.count(shardTopic)) }},
		{"latest_fork_usec", func(*view) string { return "0" }},
		{"total_forks", func(*view) string { return "0" }},
		{"migrate_cached_sockets", func(*view) string { return "0" }},
		{"slave_expires_tracked_keys", func(*view) string { return "0" }},
		{"active_defrag_hits", func(*view) string { return "0" }},
		{"active_defrag_misses", func(*view) string { return "0" }},
		{"active_defrag_key_hits", func(*view) string { return "0" }},
		{"active_defrag_key_misses", func(*view) string { return "0" }},
		{"total_active_defrag_time", func(*view) string { return "0" }},
		{"current_active_defrag_time", func(*view) string { return "0" }},
		{"tracking_total_keys", func(v *view) string { return decimalOf(v.tracking.keys) }},
		{"tracking_total_items", func(v *view) string { return decimalOf(v.tracking.items) }},
		{"tracking_total_prefixes", func(v *view) string { return decimalOf(v.tracking.prefixes) }},
		{"unexpected_error_replies", func(*view) string { return "0" }},
		{"total_error_replies", func(v *view) string { return decimalOf(v.srv.stats.errors.count()) }},
		{"total_reads_processed", func(v *view) string { return decimalOf(v.srv.stats.reads.Load()) }},
		{"total_writes_processed", func(v *view) string { return decimalOf(v.srv.stats.writes.Load()) }},
		{"io_threaded_reads_processed", func(*view) string { return "0" }},
		{"io_threaded_writes_processed", func(*view) string { return "0" }},
		{"reply_buffer_shrinks", func(v *view) string { return decimalOf(v.srv.stats.shrunk.Load()) }},
		{"reply_buffer_expands", func(v *view) string { return decimalOf(v.srv.stats.expanded.Load()) }},
	}
}
