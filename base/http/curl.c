/* This file loads the module that is linked with libcurl, when the first client of a server is
 * made. The module lies in libexec/emrfs beside the program, whose run path names the directory. */
#include "http/curl.h"

#include <dlfcn.h>
#include <pthread.h>

#include "base/log.h"

const emr_curl_functions *emr_curl;

static pthread_once_t module_once = PTHREAD_ONCE_INIT;
static bool has_begun;

#define NAME_OF(symbol) NAME_AS_TEXT(symbol)
#define NAME_AS_TEXT(symbol) #symbol

/* The module stays loaded until the process ends. */
static void module_load(void)
{
	void *module = dlopen("emrfs-curl.so", RTLD_NOW | RTLD_LOCAL);

	emr_curl = module != NULL ? dlsym(module, NAME_OF(EMR_CURL_TABLE)) : NULL;
	if (emr_curl == NULL)
		emr_log(EMR_LOG_ERROR,
			"libcurl cannot be loaded, and no node or peer be spoken to: %s",
			dlerror());
	has_begun = emr_curl != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

bool emr_curl_begin(void)
{
	pthread_once(&module_once, module_load);
	return has_begun;
}
