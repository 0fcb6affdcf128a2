include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
set(view_kit ${CMAKE_CURRENT_LIST_DIR}/view_kit.c)
set(view_uses stack view settle ledger contract crypto Threads::Threads)
# Many changes at once wrap keys in a thread (settle); the model's random saves go on beside all helpers of a stack.
set(view_settle_how THREADS)
set(view_model_how THREADS)
set(view_model_links -Wl,--wrap=emr_ledger_submit,--wrap=emr_bundle_build)
set(view_inner_how NOT_TSAN) # a thousand files move, as in settle
set(view_quiet_links -Wl,--wrap=emr_fetcher_begin)
set(view_disk_links -Wl,--wrap=fdatasync,--wrap=pwrite64)
set(view_packed_links -Wl,--wrap=malloc,--wrap=calloc,--wrap=emr_ledger_submit)
foreach(theme inner names packed tree files settle space quiet database confirm model threads refusals disk)
	emr_test(test_view_${theme} ${view_${theme}_how}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_${theme}.c ${view_kit}
		USES ${view_uses}
		INCLUDES ${view_inside}
		LINK_OPTIONS ${view_${theme}_links})
endforeach()
emr_test(test_view_table SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_table.c USES view INCLUDES ${view_inside})
# Two computers of one person.
set(view_follow_wraps -Wl,--wrap=pthread_mutex_unlock)
set(view_late_wraps -Wl,--wrap=emr_coowned_pre)
set(view_resting_wraps -Wl,--wrap=emr_id16_random)
set(view_both_wraps -Wl,--wrap=emr_journal_commit)
foreach(theme follow late both resting)
	emr_test(test_view_${theme} THREADS
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_${theme}.c ${CMAKE_CURRENT_LIST_DIR}/two_kit.c ${view_kit}
		USES ${view_uses}
		INCLUDES ${view_inside}
		LINK_OPTIONS ${view_${theme}_wraps})
endforeach()
emr_test(test_facts_kept SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_facts_kept.c ${view_kit}
	${CMAKE_CURRENT_LIST_DIR}/others_kit.c
	USES ${view_uses} INCLUDES ${PROJECT_SOURCE_DIR}/fs/settle LINK_OPTIONS -Wl,--wrap=emr_keyring_kind_of)
emr_test(test_reopen SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_reopen.c ${view_kit}
	USES ${view_uses} PkgConfig::sqlite3
	INCLUDES ${view_inside}
	LINK_OPTIONS -Wl,--wrap=emr_content_key_unwrap,--wrap=emr_block_store_get_verified)
# Deaths at every step, each in a process of its own: it asks about order, and ThreadSanitizer takes two minutes for it.
emr_test(test_view_recovery NOT_TSAN
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_recovery.c ${view_kit}
	USES ${view_uses}
	LINK_OPTIONS -Wl,--wrap=emr_journal_commit,--wrap=emr_journal_sync,--wrap=emr_ledger_submit
		-Wl,--wrap=emr_replica_catch_up,--wrap=emr_replica_part)
emr_test(test_view_erase
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_erase.c ${view_kit}
	USES ${view_uses}
	INCLUDES ${view_inside}
	LINK_OPTIONS -Wl,--wrap=emr_store_reclaim,--wrap=emr_ledger_submit,--wrap=emr_store_each_pin
		-Wl,--wrap=emr_journal_commit)
emr_test(test_view_promise
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_promise.c ${view_kit}
	USES ${view_uses}
	INCLUDES ${view_inside})
emr_test(test_view_behind
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_behind.c ${view_kit}
	USES ${view_uses}
	INCLUDES ${view_inside})
emr_test(test_view_refused
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_refused.c ${view_kit}
	USES ${view_uses}
	INCLUDES ${view_inside}
	LINK_OPTIONS -Wl,--wrap=emr_ledger_submit)
emr_test(test_view_keep THREADS
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_keep.c ${view_kit}
	USES ${view_uses})
emr_test(test_view_asking THREADS
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_asking.c ${view_kit}
	USES ${view_uses} view_core fetch ipfs)
