# Tests that destroy records for good, and that move them, on a real mount.
add_test(NAME integration_erase COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/erase.sh)
set_tests_properties(integration_erase PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
add_test(NAME integration_one_list COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/one_list.sh)
set_tests_properties(integration_one_list PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
