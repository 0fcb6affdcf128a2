include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
add_executable(powercut_driver ${PROJECT_SOURCE_DIR}/tests/fault/powercut_driver.c
	${PROJECT_SOURCE_DIR}/tests/fault/powercut_model.c)
target_link_libraries(powercut_driver PRIVATE emr_flags emr_stack)
if(NOT EMRFS_SANITIZE) # a sanitizer's runtime does not go with another preloaded library
	add_test(NAME power_cuts_break_no_promise
		COMMAND ${CMAKE_CURRENT_LIST_DIR}/powercut.sh ${PROJECT_BINARY_DIR}/tests/tools
			$<TARGET_FILE:powercut_driver>)
	set_tests_properties(power_cuts_break_no_promise
		PROPERTIES LABELS "integration;powercut" TIMEOUT ${EMR_PATIENCE_S} COST 130 PROCESSORS ${EMR_WORKS})
	if(EMRFS_UNIT_TESTS)
		add_test(NAME power_cuts_take_no_answer_from_a_crowd
			COMMAND ${CMAKE_CURRENT_LIST_DIR}/powercut_crowd.sh ${PROJECT_BINARY_DIR}/tests/tools
				$<TARGET_FILE:test_ledger_crowd>)
		set_tests_properties(power_cuts_take_no_answer_from_a_crowd
			PROPERTIES LABELS "integration;powercut" TIMEOUT ${EMR_PATIENCE_S} COST 20)
	endif()
endif()
