# Every message of the program is met, or somebody says why not.
if(NOT EMRFS_SANITIZE)
	add_test(NAME every_message_is_met COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/messages.sh)
	set_tests_properties(every_message_is_met PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77 COST 60
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;PAGES=$<TARGET_FILE:emrfs_pages>")
endif()
