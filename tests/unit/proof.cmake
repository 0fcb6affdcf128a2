# What the stand-alone verifier says is compared with what emrfs says, on every file.
if(TARGET verify-audit)
	emr_test(test_proof SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_proof.c ${CMAKE_CURRENT_LIST_DIR}/proof_kit.c
		USES proof ledger keyring record store contract crypto base PkgConfig::sodium
		DEFINES EMR_VERIFY_AUDIT="$<TARGET_FILE:verify-audit>")
	add_dependencies(test_proof verify-audit)
endif()
