# A practice without Fabric.
add_test(NAME integration_host COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/host.sh)
set_tests_properties(integration_host PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
add_test(NAME integration_host_socket COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/host_socket.sh)
set_tests_properties(integration_host_socket PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
