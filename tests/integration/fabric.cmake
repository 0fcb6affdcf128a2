# Folders on a Fabric network that one program of the tests plays, with the contract as its chaincode.
if(NOT EMRFS_SANITIZE) # Go has none of the sanitizers
	foreach(script fabric_begun fabric_folder fabric_anywhere fabric_orgs fabric_ca fabric_renew fabric_backup fabric_proof fabric_agents fabric_invite fabric_device
			fabric_clock fabric_ended fabric_parts fabric_said)
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
set(EMRFS_FABRIC "" CACHE PATH "Where peer, orderer, configtxgen, configtxlator and osnadmin of Hyperledger Fabric 3.1 are, or its bin")
if(EMRFS_SANITIZE OR NOT EMRFS_FABRIC)
	return()
endif()
set(real "EMRFS=$<TARGET_FILE:emrfs>;FABRIC=${EMRFS_FABRIC};CHAINCODE=${CMAKE_BINARY_DIR}/ledger-client/chaincode/emr-chaincode;VERIFY_AUDIT=$<TARGET_FILE:verify-audit>")
# NAME SCRIPT COST [VARIABLE=VALUE...]
function(emr_real_fabric name script cost)
	set(environment ${real} ${ARGN})
	add_test(NAME integration_${name} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${script}.sh)
	set_tests_properties(integration_${name} PROPERTIES LABELS integration TIMEOUT 3600 COST ${cost}
		FIXTURES_REQUIRED chaincode PROCESSORS ${EMR_WORKS} SKIP_RETURN_CODE 77
		ENVIRONMENT "${environment}")
endfunction()
emr_real_fabric(fabric fabric 300 PROGRAMS=${CMAKE_BINARY_DIR}/ledger-client/chaincode)
emr_real_fabric(fabric_gateway fabric_gateway 150 LIVE=$<TARGET_FILE:gateway_live>)
emr_real_fabric(fabric_storm_real fabric_storm 300 STORM=$<TARGET_FILE:gateway_storm>)
emr_real_fabric(fabric_faults_real fabric_faults 300 CHANNEL_KIND=raft)
emr_real_fabric(fabric_faults_bft_real fabric_faults 300 CHANNEL_KIND=bft)
foreach(script fabric_anywhere fabric_orgs fabric_backup fabric_proof fabric_agents fabric_device fabric_clock)
	emr_real_fabric(${script}_real ${script} 150)
endforeach()
add_test(NAME integration_two_clinics_real COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/two_clinics.sh fabric)
set_tests_properties(integration_two_clinics_real PROPERTIES LABELS integration TIMEOUT 3600 COST 150
	FIXTURES_REQUIRED "chaincode;kubo" PROCESSORS ${EMR_WORKS} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC=${EMRFS_FABRIC};CHAINCODE=${CMAKE_BINARY_DIR}/ledger-client/chaincode/emr-chaincode")
# A real Fabric CA, which may lie beside the peers, and a real directory (Debian's slapd; without it the test is skipped).
find_program(EMRFS_FABRIC_CA fabric-ca-server PATHS ${EMRFS_FABRIC} ${EMRFS_FABRIC}/bin NO_DEFAULT_PATH)
if(EMRFS_FABRIC_CA)
	add_test(NAME integration_fabric_ca_real COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/fabric_ca_real.sh)
	set_tests_properties(integration_fabric_ca_real PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		FIXTURES_REQUIRED chaincode
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC_CA=${EMRFS_FABRIC_CA};PEER=${CMAKE_BINARY_DIR}/ledger-client/chaincode/gateway_peer")
	add_test(NAME integration_fabric_ldap COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/fabric_ldap.sh)
	set_tests_properties(integration_fabric_ldap PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		FIXTURES_REQUIRED chaincode
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC_CA=${EMRFS_FABRIC_CA};PEER=${CMAKE_BINARY_DIR}/ledger-client/chaincode/gateway_peer")
endif()
