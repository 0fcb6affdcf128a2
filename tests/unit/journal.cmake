foreach(test test_journal test_journal_damage)
	emr_test(${test}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/${test}.c ${CMAKE_CURRENT_LIST_DIR}/store_kit.c
		USES journal Threads::Threads)
endforeach()
