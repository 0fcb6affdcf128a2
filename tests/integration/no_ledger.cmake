# Own records without ledger, certificate or network.
add_test(NAME integration_no_ledger COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/no_ledger.sh)
set_tests_properties(integration_no_ledger PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77 COST 50
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>")
