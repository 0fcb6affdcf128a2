add_executable(bench_crypto ${CMAKE_CURRENT_LIST_DIR}/crypto_bench.c)
target_link_libraries(bench_crypto PRIVATE emr_flags emr_crypto PkgConfig::sodium)
