# An ordinary user's folder behind his own Samba server.
add_test(NAME integration_samba COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/samba.sh)
set_tests_properties(integration_samba PROPERTIES LABELS integration TIMEOUT 480 SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
