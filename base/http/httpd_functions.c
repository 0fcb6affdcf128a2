/* This file is a loaded module of its own: it is linked with libmicrohttpd, and names the functions
 * of that library in one table for the program that loads it. */
#define EMR_MICROHTTPD_IS_LINKED
#include "httpd.h"

#define TAKE(name) .name = MHD_##name,

__attribute__((visibility("default"))) extern const emr_microhttpd_functions EMR_MICROHTTPD_TABLE;
const emr_microhttpd_functions EMR_MICROHTTPD_TABLE = {EMR_MICROHTTPD_FUNCTIONS(TAKE)};
