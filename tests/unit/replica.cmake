emr_test(test_replica SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_replica.c ${CMAKE_CURRENT_LIST_DIR}/reads_kit.c
	USES ledger_kit Threads::Threads PkgConfig::sqlite3 LINK_OPTIONS -Wl,--wrap=sqlite3_step)
emr_test(test_replica_refused SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_replica_refused.c USES ledger_kit Threads::Threads)
emr_test(test_replica_long SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_replica_long.c USES ledger_kit Threads::Threads
	LINK_OPTIONS -Wl,--wrap=statvfs64)
emr_test(test_follower SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_follower.c USES ledger_kit Threads::Threads
	LINK_OPTIONS -Wl,--wrap=emr_ledger_size,--wrap=emr_ledger_wait,--wrap=pthread_cond_wait,--wrap=pthread_cond_timedwait)
emr_test(test_replica_mark SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_replica_mark.c USES replica contract
	INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/replica)
emr_test(test_ledger_damage SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ledger_damage.c USES ledger_kit)
emr_test(test_ledger_absent SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ledger_absent.c USES ledger_kit Threads::Threads
	LINK_OPTIONS -Wl,--wrap=pthread_mutex_lock,--wrap=pthread_rwlock_tryrdlock,--wrap=pthread_rwlock_rdlock)
emr_test(test_replica_still SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_replica_still.c ${CMAKE_CURRENT_LIST_DIR}/still_kit.c
	USES ledger_kit LINK_OPTIONS -Wl,--wrap=fstatvfs64)
emr_test(test_questions SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_questions.c ${CMAKE_CURRENT_LIST_DIR}/folk_kit.c
	USES ledger_kit PkgConfig::sqlite3 INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/replica)
