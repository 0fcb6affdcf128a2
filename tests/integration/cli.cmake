# The verbs at their edges, on a real mount.
add_test(NAME integration_cli COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/cli.sh)
set_tests_properties(integration_cli PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77 COST 40
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")

# The same for a person: questions on a terminal.
add_test(NAME integration_cli_terminal COMMAND python3 ${CMAKE_CURRENT_LIST_DIR}/cli_terminal.py)
set_tests_properties(integration_cli_terminal PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>")
