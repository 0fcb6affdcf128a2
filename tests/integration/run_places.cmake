# Where a folder is open, for every log-in, and right after a kill.
add_test(NAME integration_run_places COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/run_places.sh)
set_tests_properties(integration_run_places PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
