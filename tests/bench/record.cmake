add_executable(bench_record ${CMAKE_CURRENT_LIST_DIR}/record_bench.c)
target_link_libraries(bench_record PRIVATE emr_flags emr_record emr_crypto)
