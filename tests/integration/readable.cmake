# Tests of what a person reads under .emrfs.
add_test(NAME integration_readable COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/readable.sh)
set_tests_properties(integration_readable PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
add_test(NAME integration_report COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/report.sh)
set_tests_properties(integration_report PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
