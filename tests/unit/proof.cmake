# The stand-alone verifier must say the same as emrfs, on every file.
include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
if(TARGET verify-audit)
	emr_test(test_proof SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_proof.c ${CMAKE_CURRENT_LIST_DIR}/proof_kit.c
		${CMAKE_CURRENT_LIST_DIR}/proof_both.c ${CMAKE_CURRENT_LIST_DIR}/cert_kit.c
		USES proof ledger keyring record store contract crypto base PkgConfig::sodium OpenSSL::Crypto
		DEFINES EMR_VERIFY_AUDIT="$<TARGET_FILE:verify-audit>")
	add_dependencies(test_proof verify-audit)
endif()
if(TARGET verify-audit)
	emr_test(test_proof_others SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_proof_others.c ${CMAKE_CURRENT_LIST_DIR}/story_kit.c
		${CMAKE_CURRENT_LIST_DIR}/view_kit.c ${CMAKE_CURRENT_LIST_DIR}/pen_kit.c ${CMAKE_CURRENT_LIST_DIR}/lies_kit.c
		${CMAKE_CURRENT_LIST_DIR}/proof_both.c
		USES proof share stack view settle ledger contract crypto Threads::Threads
		LINK_OPTIONS -Wl,--wrap=emr_asked_next,--wrap=emr_content_open_key,--wrap=emr_bundle_build,--wrap=emr_statement_make,--wrap=emr_proof_check,--wrap=emr_signed_judge
		DEFINES EMR_VERIFY_AUDIT="$<TARGET_FILE:verify-audit>")
	add_dependencies(test_proof_others verify-audit)
endif()
