emr_test(test_ledger_faults
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/ledger_faults.c
	USES ledger_kit PkgConfig::sqlite3 Threads::Threads
	LINK_OPTIONS -Wl,--wrap=sqlite3_step
	LABELS fault NOT_TSAN)
