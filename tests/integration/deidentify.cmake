# Copies of DICOM files for research: what is planted is gone, pixels are the same, hostile files leave nothing.
add_executable(deidentify_files ${CMAKE_CURRENT_LIST_DIR}/deidentify_files.c)
target_link_libraries(deidentify_files PRIVATE emr_flags emr_deidentify emr_base)
