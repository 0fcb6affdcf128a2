/* This header gives libcurl's functions, under their own names, to the clients of IPFS nodes, of
 * Fabric gateways and of Fabric CAs. A module of ours (functions.c) that is linked with libcurl
 * holds them, and is loaded when the first client is made: a verb that speaks to no server loads
 * neither. It refuses nothing by itself; before emr_curl_begin has returned true no function of
 * libcurl may be called. */
#pragma once

#define CURL_DISABLE_TYPECHECK /* its checks are macros of the names that are macros below */
#include <curl/curl.h>
#include <stdbool.h>

#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt

/* Loads the module and begins with libcurl, once for the process; any thread may call it.  Returns
 * false, also from then on, when the module or libcurl cannot be loaded; the log says why. */
bool emr_curl_begin(void);

#define EMR_CURL_FUNCTIONS(HAS)                                                                    \
	HAS(global_init)                                                                           \
	HAS(version_info)                                                                          \
	HAS(free)                                                                                  \
	HAS(slist_append)                                                                          \
	HAS(slist_free_all)                                                                        \
	HAS(easy_init)                                                                             \
	HAS(easy_cleanup)                                                                          \
	HAS(easy_reset)                                                                            \
	HAS(easy_setopt)                                                                           \
	HAS(easy_getinfo)                                                                          \
	HAS(easy_perform)                                                                          \
	HAS(easy_strerror)                                                                         \
	HAS(multi_init)                                                                            \
	HAS(multi_cleanup)                                                                         \
	HAS(multi_setopt)                                                                          \
	HAS(multi_add_handle)                                                                      \
	HAS(multi_remove_handle)                                                                   \
	HAS(multi_perform)                                                                         \
	HAS(multi_poll)                                                                            \
	HAS(multi_info_read)                                                                       \
	HAS(mime_init)                                                                             \
	HAS(mime_free)                                                                             \
	HAS(mime_addpart)                                                                          \
	HAS(mime_name)                                                                             \
	HAS(mime_filename)                                                                         \
	HAS(mime_type)                                                                             \
	HAS(mime_data_cb)                                                                          \
	HAS(url)                                                                                   \
	HAS(url_cleanup)                                                                           \
	HAS(url_get)                                                                               \
	HAS(url_set)

typedef struct emr_curl_functions {
#define EMR_CURL_MEMBER(name) __typeof__(curl_##name) *name;
	EMR_CURL_FUNCTIONS(EMR_CURL_MEMBER)
#undef EMR_CURL_MEMBER
	/* From here on a server whose certificate is not by the CA that was given is
	 * CURLE_PEER_FAILED_VERIFICATION, also where another CA has the same name.  To be called
	 * after each curl_easy_reset.  Returns false without memory. */
	bool (*tell_certificates)(CURL *easy);
} emr_curl_functions;

/* The module's table; NULL until emr_curl_begin. */
extern const emr_curl_functions *emr_curl;
/* The name of the table in the module. */
#define EMR_CURL_TABLE emr_curl_table

#ifndef EMR_CURL_IS_LINKED /* in the module the names are libcurl's own */
#define curl_global_init emr_curl->global_init
#define curl_version_info emr_curl->version_info
#define curl_free emr_curl->free
#define curl_slist_append emr_curl->slist_append
#define curl_slist_free_all emr_curl->slist_free_all
#define curl_easy_init emr_curl->easy_init
#define curl_easy_cleanup emr_curl->easy_cleanup
#define curl_easy_reset emr_curl->easy_reset
#define curl_easy_setopt emr_curl->easy_setopt
#define curl_easy_getinfo emr_curl->easy_getinfo
#define curl_easy_perform emr_curl->easy_perform
#define curl_easy_strerror emr_curl->easy_strerror
#define curl_multi_init emr_curl->multi_init
#define curl_multi_cleanup emr_curl->multi_cleanup
#define curl_multi_setopt emr_curl->multi_setopt
#define curl_multi_add_handle emr_curl->multi_add_handle
#define curl_multi_remove_handle emr_curl->multi_remove_handle
#define curl_multi_perform emr_curl->multi_perform
#define curl_multi_poll emr_curl->multi_poll
#define curl_multi_info_read emr_curl->multi_info_read
#define curl_mime_init emr_curl->mime_init
#define curl_mime_free emr_curl->mime_free
#define curl_mime_addpart emr_curl->mime_addpart
#define curl_mime_name emr_curl->mime_name
#define curl_mime_filename emr_curl->mime_filename
#define curl_mime_type emr_curl->mime_type
#define curl_mime_data_cb emr_curl->mime_data_cb
#define curl_url emr_curl->url
#define curl_url_cleanup emr_curl->url_cleanup
#define curl_url_get emr_curl->url_get
#define curl_url_set emr_curl->url_set
#endif
