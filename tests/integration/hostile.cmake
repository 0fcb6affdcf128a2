# People who mean harm: tests/ATTACKS.md has the list of what they try, and which test answers.
foreach(part hostile_names at_once)
	add_test(NAME integration_${part} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${part}.sh)
	set_tests_properties(integration_${part} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
endforeach()
add_test(NAME integration_forged COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/forged.sh)
set_tests_properties(integration_forged PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;PEER=$<TARGET_FILE:share_peer>")
