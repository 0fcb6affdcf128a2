/* This file has libcurl loaded when a node or a peer of Fabric is first spoken to. libcurl needs 27
 * further libraries, among them those of Kerberos, LDAP and SSH; most folders have neither, and
 * every verb would wait for them. The functions here have the names of libcurl's, so nobody else
 * knows. Where it cannot be loaded, each fails as for want of memory. */
#define CURL_DISABLE_TYPECHECK
#include "gateway/late_curl.h"

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdarg.h>

#include "base/log.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

#define OF_KIND 10000 /* options of one type, CURLOPTTYPE_... */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static void *library; /* stays */

static void library_load(void)
{
	library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		emr_log(EMR_LOG_ERROR,
			"libcurl cannot be loaded, and no node or peer be spoken to: %s",
			dlerror());
}

/* The function NAME, which is kept AT. */
static void *library_find(void **at, const char *name)
{
	void *function = __atomic_load_n(at, __ATOMIC_ACQUIRE);

	pthread_once(&library_once, library_load);
	if (function != NULL || library == NULL)
		return function;
	function = dlsym(library, name);
	__atomic_store_n(at, function, __ATOMIC_RELEASE);
	return function;
}

/* One function: what it gives, its name, parameters and arguments, and what it gives where there is
 * no library. */
#define LATE(result, name, parameters, arguments, otherwise)                                       \
	result name parameters                                                                     \
	{                                                                                          \
		static void *at;                                                                   \
		__typeof__(name) *function = (__typeof__(name) *)library_find(&at, #name);         \
                                                                                                   \
		return function != NULL ? function arguments : (otherwise);                        \
	}
#define LATE_VOID(name, parameters, arguments)                                                     \
	void name parameters                                                                       \
	{                                                                                          \
		static void *at;                                                                   \
		__typeof__(name) *function = (__typeof__(name) *)library_find(&at, #name);         \
                                                                                                   \
		if (function != NULL)                                                              \
			function arguments;                                                        \
	}

LATE(CURLcode, curl_global_init, (long flags), (flags), CURLE_FAILED_INIT)
LATE(curl_version_info_data *, curl_version_info, (CURLversion age), (age), NULL)
LATE_VOID(curl_free, (void *bytes), (bytes))
LATE(struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *text),
	(list, text), NULL)
LATE_VOID(curl_slist_free_all, (struct curl_slist * list), (list))

LATE(CURL *, curl_easy_init, (void), (), NULL)
LATE_VOID(curl_easy_cleanup, (CURL * easy), (easy))
LATE_VOID(curl_easy_reset, (CURL * easy), (easy))
LATE(CURLcode, curl_easy_perform, (CURL * easy), (easy), CURLE_FAILED_INIT)
LATE(const char *, curl_easy_strerror, (CURLcode code), (code), "")

LATE(CURLM *, curl_multi_init, (void), (), NULL)
LATE(CURLMcode, curl_multi_cleanup, (CURLM * multi), (multi), CURLM_OUT_OF_MEMORY)
LATE(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL *easy), (multi, easy),
	CURLM_OUT_OF_MEMORY)
LATE(CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL *easy), (multi, easy),
	CURLM_OUT_OF_MEMORY)
LATE(CURLMcode, curl_multi_perform, (CURLM * multi, int *running), (multi, running),
	CURLM_OUT_OF_MEMORY)
LATE(CURLMcode, curl_multi_poll,
	(CURLM * multi, struct curl_waitfd extra[], unsigned n, int timeout_ms, int *ready),
	(multi, extra, n, timeout_ms, ready), CURLM_OUT_OF_MEMORY)
LATE(CURLMsg *, curl_multi_info_read, (CURLM * multi, int *left), (multi, left), NULL)

LATE(curl_mime *, curl_mime_init, (CURL * easy), (easy), NULL)
LATE_VOID(curl_mime_free, (curl_mime * mime), (mime))
LATE(curl_mimepart *, curl_mime_addpart, (curl_mime * mime), (mime), NULL)
LATE(CURLcode, curl_mime_name, (curl_mimepart * part, const char *name), (part, name),
	CURLE_OUT_OF_MEMORY)
LATE(CURLcode, curl_mime_filename, (curl_mimepart * part, const char *name), (part, name),
	CURLE_OUT_OF_MEMORY)
LATE(CURLcode, curl_mime_type, (curl_mimepart * part, const char *type), (part, type),
	CURLE_OUT_OF_MEMORY)
LATE(CURLcode, curl_mime_data_cb,
	(curl_mimepart * part, curl_off_t bytes, curl_read_callback read, curl_seek_callback seek,
		curl_free_callback end, void *arg),
	(part, bytes, read, seek, end, arg), CURLE_OUT_OF_MEMORY)

LATE(CURLU *, curl_url, (void), (), NULL)
LATE_VOID(curl_url_cleanup, (CURLU * url), (url))
/* Newer headers have it read a const CURLU: as the one that is here declares it. */
typedef __typeof__(_Generic(
	&curl_url_get, CURLUcode (*)(const CURLU *, CURLUPart, char **, unsigned)
	: (const CURLU *)NULL, default
	: (CURLU *)NULL)) read_url;
LATE(CURLUcode, curl_url_get, (read_url url, CURLUPart what, char **part, unsigned flags),
	(url, what, part, flags), CURLUE_OUT_OF_MEMORY)
LATE(CURLUcode, curl_url_set, (CURLU * url, CURLUPart what, const char *part, unsigned flags),
	(url, what, part, flags), CURLUE_OUT_OF_MEMORY)

/* ---- whose certificate it is ---- */

/* Of two CAs of one name the wrong one leaves the error of its signature in front of the one that
 * says what it means, and libcurl 7.88 looks at the first alone: it calls that a handshake that
 * failed, as where somebody hangs up. */
static int verify_and_say_so(X509_STORE_CTX *chain, void *arg)
{
	int is_fine = X509_verify_cert(chain);

	(void)arg;
	if (is_fine <= 0)
		ERR_clear_error();
	return is_fine;
}

/* libssl is there with libcurl, and only then. */
static CURLcode have_it_said(CURL *easy, void *ssl_ctx, void *arg)
{
	static void *at;
	void (*set)(void *, int (*)(X509_STORE_CTX *, void *), void *) =
		(__typeof__(set))library_find(&at, "SSL_CTX_set_cert_verify_callback");

	(void)easy;
	(void)arg;
	if (set != NULL)
		set(ssl_ctx, verify_and_say_so, NULL);
	return CURLE_OK;
}

bool late_curl_tell_certificates(CURL *easy)
{
	CURLcode code = curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, have_it_said);

	return code == CURLE_OK || code == CURLE_NOT_BUILT_IN || code == CURLE_UNKNOWN_OPTION;
}

/* The number of an option says what type its one argument, the last of LIST, has. */
#define WITH_ITS_ARGUMENT(function, handle, option, list)                                          \
	((option) / OF_KIND == CURLOPTTYPE_LONG / OF_KIND                                          \
			? function(handle, option, va_arg(list, long))                             \
		: (option) / OF_KIND == CURLOPTTYPE_OFF_T / OF_KIND                                \
			? function(handle, option, va_arg(list, curl_off_t))                       \
		: (option) / OF_KIND == CURLOPTTYPE_FUNCTIONPOINT / OF_KIND                        \
			? function(handle, option, va_arg(list, void (*)(void)))                   \
			: function(handle, option, va_arg(list, void *)))

CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	static void *at;
	__typeof__(curl_easy_setopt) *function =
		(__typeof__(curl_easy_setopt) *)library_find(&at, "curl_easy_setopt");
	CURLcode code;
	va_list list;

	if (function == NULL)
		return CURLE_FAILED_INIT;
	va_start(list, option);
	code = WITH_ITS_ARGUMENT(function, easy, option, list);
	va_end(list);
	return code;
}

CURLMcode curl_multi_setopt(CURLM *multi, CURLMoption option, ...)
{
	static void *at;
	__typeof__(curl_multi_setopt) *function =
		(__typeof__(curl_multi_setopt) *)library_find(&at, "curl_multi_setopt");
	CURLMcode code;
	va_list list;

	if (function == NULL)
		return CURLM_OUT_OF_MEMORY;
	va_start(list, option);
	code = WITH_ITS_ARGUMENT(function, multi, option, list);
	va_end(list);
	return code;
}

CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
	static void *at;
	__typeof__(curl_easy_getinfo) *function =
		(__typeof__(curl_easy_getinfo) *)library_find(&at, "curl_easy_getinfo");
	CURLcode code;
	va_list list;

	if (function == NULL)
		return CURLE_FAILED_INIT;
	va_start(list, info);
	code = function(easy, info, va_arg(list, void *)); /* always where to put it */
	va_end(list);
	return code;
}
