# Copies of DICOM files for research: the rules one by one, hostile files, the checker, and the processes.
foreach(name rules private dates kinds hostile check scan bits headed genomes)
	emr_test(test_deidentify_${name}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_deidentify_${name}.c ${CMAKE_CURRENT_LIST_DIR}/deidentify_kit.c
		INCLUDES ${PROJECT_SOURCE_DIR}/fs/helper/deidentify
		USES deidentify deidentify_copy base PkgConfig::zlib)
endforeach()
emr_test(test_deidentify_helper
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_deidentify_helper.c ${CMAKE_CURRENT_LIST_DIR}/deidentify_kit.c
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/helper/deidentify
	DEFINES EMR_DEIDENTIFY_HELPER="$<TARGET_FILE:emrfs_deidentify>"
	USES deidentify deidentify_copy helper helper_inside base)
add_dependencies(test_deidentify_helper emrfs_deidentify)
