include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
emr_test(test_no_ledger
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_no_ledger.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES stack view settle ledger contract crypto Threads::Threads)
