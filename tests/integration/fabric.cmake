# Tests that need real peers and orderers. The programs of Fabric are built from the module proxy by tests/run, which says where they are; by hand it is
# cmake -DEMRFS_FABRIC=DIR -DEMRFS_FABRIC_CA=PROGRAM with what examples/network/fabric build and build ca say.
if(EMRFS_SANITIZE) # Go has none of the sanitizers
	return()
endif()
set(EMRFS_FABRIC "$ENV{EMRFS_FABRIC}" CACHE PATH "Where peer, orderer, configtxgen, configtxlator and osnadmin of Hyperledger Fabric 3.1 are, or its bin")
if(NOT EMRFS_FABRIC)
	return()
endif()
# With CI=true these alone, which show each thing once; faults and storms that take long run without it.
set(ci fabric fabric_backend channel_page channel_faults_bft channel_whole two_clinics_channel)
# NAME COST FIXTURES ENVIRONMENT COMMAND...: one network at a time, because two on two cores starve each other
function(emr_real name cost fixtures environment)
	if("$ENV{CI}" STREQUAL "true" AND NOT name IN_LIST ci)
		return()
	endif()
	add_test(NAME integration_${name} COMMAND bash ${ARGN})
	set_tests_properties(integration_${name} PROPERTIES LABELS integration TIMEOUT 3600 COST ${cost} RESOURCE_LOCK real_fabric
		FIXTURES_REQUIRED "${fixtures}" PROCESSORS ${EMR_WORKS} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;${environment}")
endfunction()
set(chaincodes ${CMAKE_BINARY_DIR}/ledger-client/chaincode)
set(backend ${CMAKE_BINARY_DIR}/ledger-client/fabric)
set(fabric "FABRIC=${EMRFS_FABRIC};CHAINCODE=${chaincodes}/emr-chaincode;BACKEND=${backend}")
add_test(NAME backend_is_built COMMAND sh -c "\"$0\" \"$1\" && exec \"$0\" \"$@\"" ${PROJECT_SOURCE_DIR}/ledger-client/fabric/build ${backend}
	${PROJECT_SOURCE_DIR}/tests/conformance/backend)
set_tests_properties(backend_is_built PROPERTIES LABELS conformance TIMEOUT 3600 COST 160 FIXTURES_SETUP backend PROCESSORS ${EMR_WORKS})
emr_real(fabric 130 chaincode "${fabric};PROGRAMS=${chaincodes};VERIFY_AUDIT=$<TARGET_FILE:verify-audit>" ${CMAKE_CURRENT_LIST_DIR}/fabric.sh)
foreach(kind raft bft)
	string(REPLACE _raft "" suffix _${kind})
	emr_real(fabric_backend${suffix} 150 "chaincode;backend" "${fabric};CHANNEL_KIND=${kind}" ${CMAKE_CURRENT_LIST_DIR}/fabric_backend.sh)
	emr_real(channel_faults${suffix} 150 "chaincode;backend" "${fabric};CHANNEL_KIND=${kind}" ${CMAKE_CURRENT_LIST_DIR}/channel_faults.sh)
endforeach()
emr_real(channel_page 60 "chaincode;backend" "${fabric}" ${CMAKE_CURRENT_LIST_DIR}/channel_page.sh)
emr_real(channel_orgs 100 "chaincode;backend;kubo" "${fabric};VERIFY_AUDIT=$<TARGET_FILE:verify-audit>" ${CMAKE_CURRENT_LIST_DIR}/channel_orgs.sh)
emr_real(channel_rules 60 "chaincode;backend" "${fabric};EMRFS_FIRST=$<TARGET_FILE:emrfs_first>" ${CMAKE_CURRENT_LIST_DIR}/channel_rules.sh)
emr_real(away_channel 100 "chaincode;backend;kubo" "${fabric};DISHONEST=$<TARGET_FILE:dishonest>" ${CMAKE_CURRENT_LIST_DIR}/away.sh fabric)
foreach(example two_clinics two_nodes)
	emr_real(${example}_channel 100 "chaincode;backend;kubo" "${fabric}" ${CMAKE_CURRENT_LIST_DIR}/${example}.sh fabric)
endforeach()
if(EMRFS_FABRIC_CA)
	emr_real(channel_whole 100 "chaincode;kubo" "FABRIC=${EMRFS_FABRIC};FABRIC_CA=${EMRFS_FABRIC_CA}" ${CMAKE_CURRENT_LIST_DIR}/channel_whole.sh)
endif()
emr_real(papers_channel 100 "chaincode;backend" "${fabric}" ${CMAKE_CURRENT_LIST_DIR}/papers.sh)
# Scenes of people and organisations, as they are, with the network on a channel.
foreach(script agents share consent device_said)
	emr_real(${script}_channel 60 "chaincode;backend" "${fabric};ON_CHANNEL=1" ${CMAKE_CURRENT_LIST_DIR}/${script}.sh)
endforeach()
