/* 15: output that is not acceptable JSON, by the number in its input. */
#include "fixture.h"
static int32_t act(const step_call *call) {
    static const char *outputs[] = {
        "", "{", "\"\xff\xfe\"", "NaN", "1e999", "{\"a\":1,\"a\":2}", "\"\\ud800\"", "[1,]", "{} trailing"};
    int index = call->input.ptr[0] - '0';
    if (index < 9) {
        complete(call->id, outputs[index]);
        return 0;
    }
    static char deep[200001];
    memset(deep, '[', 100000);
    memset(deep + 100000, ']', 100000);
    complete(call->id, deep);
    return 0;
}
