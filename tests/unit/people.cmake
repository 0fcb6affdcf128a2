foreach(part people shares sealed rules)
	emr_test(test_${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${part}.c ${CMAKE_CURRENT_LIST_DIR}/folk_kit.c
		USES ledger_kit)
endforeach()
