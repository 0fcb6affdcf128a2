# Passphrase and words.
foreach(part passwd recover)
	add_test(NAME integration_${part} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${part}.sh)
	set_tests_properties(integration_${part} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>")
endforeach()
foreach(part words_renew words_renew_shared words_renew_device trustees trustees_agents trust_menu executor guardian_adult family emergency)
	add_test(NAME integration_${part} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${part}.sh)
	set_tests_properties(integration_${part} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;VERIFY_AUDIT=$<TARGET_FILE:verify-audit>")
endforeach()
