# Folders on a Fabric network that one program of the tests plays, with the contract as its chaincode.
if(NOT EMRFS_SANITIZE) # Go has none of the sanitizers
	foreach(script fabric_begun fabric_folder fabric_anywhere fabric_orgs fabric_ca fabric_backup fabric_proof fabric_agents fabric_invite fabric_device)
		add_test(NAME integration_${script} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${script}.sh)
		set_tests_properties(integration_${script} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77 FIXTURES_REQUIRED chaincode
			ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC=;PEER=${CMAKE_BINARY_DIR}/ledger-client/chaincode/gateway_peer;VERIFY_AUDIT=$<TARGET_FILE:verify-audit>")
	endforeach()
	add_test(NAME integration_fabric_nodes COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/fabric_nodes.sh)
	set_tests_properties(integration_fabric_nodes PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		FIXTURES_REQUIRED "chaincode;kubo"
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC=;PEER=${CMAKE_BINARY_DIR}/ledger-client/chaincode/gateway_peer")
	add_test(NAME integration_two_clinics_fabric COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/two_clinics.sh fabric)
	set_tests_properties(integration_two_clinics_fabric PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		FIXTURES_REQUIRED "chaincode;kubo"
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC=;PEER=${CMAKE_BINARY_DIR}/ledger-client/chaincode/gateway_peer")
endif()
# What needs real peers and orderers.  Fabric is no package of any registry that tests/run may use, so this is for whoever has a
# release: cmake -DEMRFS_FABRIC=DIR.
set(EMRFS_FABRIC "" CACHE PATH "Where peer, orderer, configtxgen, configtxlator and osnadmin of Hyperledger Fabric 3.1 are")
if(EMRFS_SANITIZE OR NOT EMRFS_FABRIC)
	return()
endif()
add_test(NAME integration_fabric COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/fabric.sh)
set_tests_properties(integration_fabric PROPERTIES LABELS integration TIMEOUT 3600 COST 300
	FIXTURES_REQUIRED chaincode PROCESSORS ${EMR_WORKS}
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC=${EMRFS_FABRIC};PROGRAMS=${CMAKE_BINARY_DIR}/ledger-client/chaincode")
add_test(NAME integration_fabric_gateway COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/fabric_gateway.sh)
set_tests_properties(integration_fabric_gateway PROPERTIES LABELS integration TIMEOUT 3600 COST 150
	FIXTURES_REQUIRED chaincode PROCESSORS ${EMR_WORKS}
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC=${EMRFS_FABRIC};CHAINCODE=${CMAKE_BINARY_DIR}/ledger-client/chaincode/emr-chaincode;LIVE=$<TARGET_FILE:gateway_live>")
foreach(script fabric_anywhere fabric_orgs fabric_backup fabric_proof fabric_agents)
	add_test(NAME integration_${script}_real COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${script}.sh)
	set_tests_properties(integration_${script}_real PROPERTIES LABELS integration TIMEOUT 3600 COST 150
		FIXTURES_REQUIRED chaincode PROCESSORS ${EMR_WORKS} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC=${EMRFS_FABRIC};CHAINCODE=${CMAKE_BINARY_DIR}/ledger-client/chaincode/emr-chaincode;VERIFY_AUDIT=$<TARGET_FILE:verify-audit>")
endforeach()
add_test(NAME integration_two_clinics_real COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/two_clinics.sh fabric)
set_tests_properties(integration_two_clinics_real PROPERTIES LABELS integration TIMEOUT 3600 COST 150
	FIXTURES_REQUIRED "chaincode;kubo" PROCESSORS ${EMR_WORKS} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC=${EMRFS_FABRIC};CHAINCODE=${CMAKE_BINARY_DIR}/ledger-client/chaincode/emr-chaincode")
# A real Fabric CA, which may lie beside the peers, and a real directory (Debian's slapd; without it the test is skipped).
if(EXISTS ${EMRFS_FABRIC}/fabric-ca-server)
	add_test(NAME integration_fabric_ldap COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/fabric_ldap.sh)
	set_tests_properties(integration_fabric_ldap PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		FIXTURES_REQUIRED chaincode
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC=${EMRFS_FABRIC};PEER=${CMAKE_BINARY_DIR}/ledger-client/chaincode/gateway_peer")
endif()
