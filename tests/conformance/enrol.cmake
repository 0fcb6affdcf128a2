# The client of Fabric CA against tests/support/fake_ca.py.
add_executable(enrol_calls ${CMAKE_CURRENT_LIST_DIR}/enrol_calls.c)
target_include_directories(enrol_calls PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
target_link_libraries(enrol_calls PRIVATE emr_flags emr_enrol emr_keyring emr_base PkgConfig::cmocka)
add_test(NAME conformance_enrol COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/enrol.sh $<TARGET_FILE:enrol_calls>)
set_tests_properties(conformance_enrol PROPERTIES LABELS conformance TIMEOUT ${EMR_PATIENCE_S})
# A real one comes from whoever has it: cmake -DEMRFS_FABRIC=DIR, where fabric-ca-server lies beside peer and orderer, or in its bin.
if(EMRFS_FABRIC)
	find_program(EMRFS_FABRIC_CA fabric-ca-server PATHS ${EMRFS_FABRIC} ${EMRFS_FABRIC}/bin NO_DEFAULT_PATH)
endif()
if(EMRFS_FABRIC_CA)
	add_test(NAME conformance_enrol_live COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/enrol.sh $<TARGET_FILE:enrol_calls> ${EMRFS_FABRIC_CA})
	set_tests_properties(conformance_enrol_live PROPERTIES LABELS conformance TIMEOUT ${EMR_PATIENCE_S})
endif()
