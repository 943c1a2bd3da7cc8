// The one file that all requests go through.
import { createRequest } from '@lingpai/client'
import store from '@/store'

export default createRequest({
  base: SERVER,
  before(request) {
    const token = store.getters['token'];
    if (token) {
      //给所有请求添加自定义header
      request.headers["Authorization"] = token;
    }
  },
  // 客户端检测到401状态直接跳转到登录页面进行授权。
  onSignedOut() { location.href = '/login.html' }
})
