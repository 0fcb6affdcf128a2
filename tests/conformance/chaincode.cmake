# The contract as chaincode, built with the official shim, against the recorded batches.
if(EMRFS_SANITIZE) # its C is tested with sanitizers by test_hosted; Go has none of them
	return()
endif()

set(build ${PROJECT_SOURCE_DIR}/ledger-client/chaincode/build)
set(out ${CMAKE_BINARY_DIR}/ledger-client/chaincode)
add_test(NAME chaincode_is_built COMMAND ${build} ${CMAKE_BINARY_DIR} ${out})
add_test(NAME chaincode_tests_are_built
	COMMAND ${build} ${CMAKE_BINARY_DIR} ${out} ${CMAKE_CURRENT_LIST_DIR}/chaincode ./recorded ./drive)
set_tests_properties(chaincode_is_built chaincode_tests_are_built PROPERTIES LABELS conformance
	TIMEOUT 3600 COST 200 FIXTURES_SETUP chaincode PROCESSORS ${EMR_WORKS})
add_test(NAME conformance_chaincode COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/chaincode.sh ${out}
	${CMAKE_CURRENT_LIST_DIR}/contract ${PROJECT_SOURCE_DIR}/tests/vectors)
set_tests_properties(conformance_chaincode PROPERTIES LABELS conformance TIMEOUT ${EMR_PATIENCE_S}
	FIXTURES_REQUIRED chaincode PROCESSORS ${EMR_WORKS})
