emr_module(ledger
	SOURCES absent.c ahead.c act.c act_send.c admission.c batch.c copy.c copy_members.c chain.c chain_adopt.c chain_append.c chain_caller.c chain_compare.c chain_entry.c chain_follow.c chain_late.c chain_local.c chain_schema.c chain_state.c chain_unite.c chain_views.c checkpoint.c
		embedded.c embedded_channel.c embedded_follow.c embedded_known.c embedded_lock.c embedded_parts.c embedded_read.c embedded_restart.c embedded_take.c embedded_verify.c embedded_wait.c hash.c
		ledger.c ledger_open.c network.c network_channel.c place.c register.c restart.c sql.c succession.c welcome.c
	USES base keyring contract PkgConfig::sqlite3
	PRIVATE_USES channel database PkgConfig::sodium Threads::Threads)
