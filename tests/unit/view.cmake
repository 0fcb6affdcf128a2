include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
set(view_kit ${CMAKE_CURRENT_LIST_DIR}/view_kit.c)
foreach(theme settle)
	emr_test(test_view_${theme}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_view_${theme}.c ${view_kit}
		USES stack view settle ledger contract crypto Threads::Threads)
endforeach()
