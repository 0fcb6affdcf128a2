include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
foreach(part story)
	emr_test(test_${part}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${part}.c ${CMAKE_CURRENT_LIST_DIR}/story_kit.c
			${CMAKE_CURRENT_LIST_DIR}/view_kit.c
		USES share stack view settle ledger contract crypto Threads::Threads)
endforeach()
