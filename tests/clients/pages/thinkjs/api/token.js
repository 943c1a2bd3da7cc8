// As the document prints it.
import request from '@/common/request'
export default {
  create(userInfo) {
    return new Promise((resolve, reject) => {
      request.post('/system/token/create', userInfo).then(response => {
        resolve(response)
      })
    })
  }
}
