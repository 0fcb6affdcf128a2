/* This header gives libmicrohttpd's functions, under their own names, to the server. A module of
 * ours (httpd_functions.c) that is linked with libmicrohttpd holds them, and is loaded when the
 * first server starts: a mount, which serves nothing, has neither it nor GnuTLS in its memory.
 * Before emr_microhttpd_begin has returned true no function of the library may be called. */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>

/* Loads the module, once for the process; any thread may call it.  Returns false, also from then
 * on, when it cannot be loaded; the log says why. */
bool emr_microhttpd_begin(void);

#define EMR_MICROHTTPD_FUNCTIONS(HAS)                                                              \
	HAS(add_response_header)                                                                   \
	HAS(create_post_processor)                                                                 \
	HAS(create_response_from_buffer)                                                           \
	HAS(create_response_from_callback)                                                         \
	HAS(create_response_from_fd64)                                                             \
	HAS(destroy_post_processor)                                                                \
	HAS(destroy_response)                                                                      \
	HAS(get_connection_info)                                                                   \
	HAS(lookup_connection_value)                                                               \
	HAS(post_process)                                                                          \
	HAS(queue_response)                                                                        \
	HAS(resume_connection)                                                                     \
	HAS(start_daemon)                                                                          \
	HAS(stop_daemon)                                                                           \
	HAS(suspend_connection)

typedef struct emr_microhttpd_functions {
#define EMR_MICROHTTPD_MEMBER(name) __typeof__(MHD_##name) *name;
	EMR_MICROHTTPD_FUNCTIONS(EMR_MICROHTTPD_MEMBER)
#undef EMR_MICROHTTPD_MEMBER
} emr_microhttpd_functions;

/* The module's table; NULL until emr_microhttpd_begin. */
extern const emr_microhttpd_functions *emr_microhttpd;
/* The name of the table in the module. */
#define EMR_MICROHTTPD_TABLE emr_microhttpd_table

#ifndef EMR_MICROHTTPD_IS_LINKED /* in the module the names are the library's own */
#define MHD_add_response_header emr_microhttpd->add_response_header
#define MHD_create_post_processor emr_microhttpd->create_post_processor
#define MHD_create_response_from_buffer emr_microhttpd->create_response_from_buffer
#define MHD_create_response_from_callback emr_microhttpd->create_response_from_callback
#define MHD_create_response_from_fd64 emr_microhttpd->create_response_from_fd64
#define MHD_destroy_post_processor emr_microhttpd->destroy_post_processor
#define MHD_destroy_response emr_microhttpd->destroy_response
#define MHD_get_connection_info emr_microhttpd->get_connection_info
#define MHD_lookup_connection_value emr_microhttpd->lookup_connection_value
#define MHD_post_process emr_microhttpd->post_process
#define MHD_queue_response emr_microhttpd->queue_response
#define MHD_resume_connection emr_microhttpd->resume_connection
#define MHD_start_daemon emr_microhttpd->start_daemon
#define MHD_stop_daemon emr_microhttpd->stop_daemon
#define MHD_suspend_connection emr_microhttpd->suspend_connection
#endif
