# Tests of what others share, in the folder of the person with whom they share it, and of what this person writes there.
add_test(NAME integration_shared COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/shared.sh)
set_tests_properties(integration_shared PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
add_test(NAME integration_news COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/news.sh)
set_tests_properties(integration_news PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
add_test(NAME integration_inbox COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/inbox.sh)
set_tests_properties(integration_inbox PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
add_test(NAME integration_second COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/second.sh)
set_tests_properties(integration_second PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
add_test(NAME integration_foreign COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/foreign.sh)
set_tests_properties(integration_foreign PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
add_test(NAME integration_single_file COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/single_file.sh)
set_tests_properties(integration_single_file PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
