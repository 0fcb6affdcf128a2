# The verbs at their edges, on a real mount.
add_test(NAME integration_cli COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/cli.sh)
set_tests_properties(integration_cli PROPERTIES LABELS integration TIMEOUT 300 SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
