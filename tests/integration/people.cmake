# People, their cards and the number they compare.
add_test(NAME integration_people COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/people.sh)
set_tests_properties(integration_people PROPERTIES LABELS integration TIMEOUT 120 SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# A network of several members in one directory.
add_test(NAME integration_network COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/network.sh)
set_tests_properties(integration_network PROPERTIES LABELS integration TIMEOUT 240 SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
