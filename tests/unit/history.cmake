include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
emr_test(test_history
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_history.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES stack view settle ledger contract crypto Threads::Threads)
