include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
emr_test(test_settle_format
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_settle_format.c
	USES view settle contract Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/settle ${view_inside})
emr_test(test_settle_ahead THREADS
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_settle_ahead.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES stack view settle ledger contract crypto Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/settle)
emr_test(test_settle_narrow
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_settle_narrow.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES stack view settle ledger contract Threads::Threads
	LINK_OPTIONS -Wl,--wrap=emr_ledger_submit,--wrap=emr_share_renew)
