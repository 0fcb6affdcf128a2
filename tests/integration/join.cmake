# Records of one who began alone go along into a network.
add_test(NAME integration_join COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/join.sh)
set_tests_properties(integration_join PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
