import { createRequest } from '../../../src/index.js'
import store from '@/store'

export const page = { transport: undefined, at: 'index' }

export default createRequest({
  base: 'http://stage/thinkjs',
  transport: (request, options) => page.transport(request, options),
  before(request) {
    // From here to the end of the block: as the document prints it.
    const token = store.getters['token'];
    if (token) {
      //给所有请求添加自定义header
      request.headers["Authorization"] = token;
    }
  },
  // 客户端检测到401状态直接跳转到登录页面进行授权。
  onSignedOut() { page.at = 'login' }
})
