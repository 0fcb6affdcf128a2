include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
emr_test(test_view_past
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_past.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES stack view settle ledger contract crypto Threads::Threads
	INCLUDES ${view_inside})
emr_test(test_view_restore
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_restore.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES stack view settle ledger contract crypto Threads::Threads
	INCLUDES ${view_inside}
	LINK_OPTIONS -Wl,--wrap=emr_ledger_submit)
