# People who come by their organisation's own authority, over its host.
add_test(NAME integration_login COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/login.sh)
set_tests_properties(integration_login PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC_CA=")
# A real one is built by examples/network/fabric build ca, which says where it is (tests/run); the directory of its people is Debian's slapd.
if(EMRFS_FABRIC_CA)
	foreach(script login login_ldap)
		add_test(NAME integration_${script}_real COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${script}.sh)
		set_tests_properties(integration_${script}_real PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
			ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC_CA=${EMRFS_FABRIC_CA}")
	endforeach()
endif()
