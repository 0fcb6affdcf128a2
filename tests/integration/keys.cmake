# Passphrase and words.
add_test(NAME integration_passwd COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/passwd.sh)
set_tests_properties(integration_passwd PROPERTIES LABELS integration TIMEOUT 120 SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>")
