emr_fuzz(fuzz_proof SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_proof.c USES proof base)
