# File handles, and times at the edge.
add_test(NAME integration_handles COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/handles.sh)
set_tests_properties(integration_handles PROPERTIES LABELS integration TIMEOUT 480 SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
