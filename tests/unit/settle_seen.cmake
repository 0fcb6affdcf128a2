include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
emr_test(test_settle_seen SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_settle_seen.c USES stack view
	LINK_OPTIONS -Wl,--wrap=emr_ledger_submit)
