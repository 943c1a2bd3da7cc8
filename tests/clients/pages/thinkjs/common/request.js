// The one file that all requests go through. It adds the prefix api, and the token.
import store from '@/store'

const request = axios.create({ baseURL: SERVER + '/api' })

request.interceptors.request.use(request => {
  const token = store.getters['token'];
  if (token) {
    //给所有请求添加自定义header
    request.headers["Authorization"] = token;
  }
  return request
})

request.interceptors.response.use(
  response => response.data,
  error => {
    // 客户端检测到401状态直接跳转到登录页面进行授权。
    if (error.response && error.response.status === 401) {
      location.href = '/login.html'
    }
    return Promise.reject(error)
  }
)

export default request
